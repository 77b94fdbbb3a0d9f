from common import *
async def m():
    c=await db()
    for q in sys.argv[1:]:
        for r in await c.fetch(q): print(*[str(x)[:160] for x in r])
asyncio.run(m())

"""A person who works by keyboard alone: presses and types, and always sees where the focus is."""

import asyncio

from playwright.async_api import Page

# What a person sees around the element that hears the next key; a page that has just come has none yet.
_FOCUS = """() => {
  const at = document.activeElement;
  if (at === null || at === document.body) return "lost";
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
  const isSeen = (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  return isSeen ? "seen" : `unseen: ${at.outerHTML.slice(0, 200)}`;
}"""
_FOUND_S_MAX = 3
# A focus that moves on does so within the same frame or the next.
_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))"


class Keyboard:
    """The keyboard of a page."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def press(self, *keys: str) -> None:
        """Presses one key after the other; after each the focus is somewhere and is seen."""
        for key in keys:
            await self._page.keyboard.press(key)
            await self._page.evaluate(_FRAMES)
            await self.expect_focus(key)

    async def write(self, text: str) -> None:
        """Types over what is in the field."""
        await self.press("Control+A")
        await self._page.keyboard.type(text)

    async def tab_to(self, name: str, *, tries: int = 60, back: bool = False) -> None:
        """Presses Tab until the focus is on what a screen reader calls by the name."""
        for _ in range(tries):
            await self.press("Shift+Tab" if back else "Tab")
            if await self.focused() == name:
                return
        raise AssertionError(f"Tab does not come to {name!r}")

    async def focused(self) -> str:
        """What a screen reader calls the element that has the focus."""
        session = await self._page.context.new_cdp_session(self._page)
        try:
            found = await session.send("Runtime.evaluate", {"expression": "document.activeElement"})
            told = await session.send(
                "Accessibility.getPartialAXTree",
                {"objectId": found["result"]["objectId"], "fetchRelatives": False},
            )
        finally:
            await session.detach()
        name: str = told["nodes"][0].get("name", {}).get("value", "")
        return name

    async def expect_focus(self, after: str) -> None:
        """The focus is on something, and is drawn."""
        told = ""
        try:
            async with asyncio.timeout(_FOUND_S_MAX):
                while (told := await self._page.evaluate(_FOCUS)) != "seen":
                    await self._page.evaluate(_FRAMES)
        except TimeoutError:
            raise AssertionError(f"after {after}: the focus is {told}") from None

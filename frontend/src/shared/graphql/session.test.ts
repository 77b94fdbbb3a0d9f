import { beforeEach, describe, expect, it, vi } from "vitest";

const page = { cookie: "" };
vi.stubGlobal("document", page);

vi.stubGlobal("navigator", {});

const fetchMock = vi.fn<typeof fetch>();
vi.stubGlobal("fetch", fetchMock);

const { endOfSession, freshen, isDue, refresh, sessionMark, signedIn, signOut } = await import("./session");

const SECONDS = Math.floor(Date.now() / 1000);
const DUE = `oms-session=${SECONDS + 10}`;
const FRESH = `oms-session=${SECONDS + 600}`;

/** The server's answer, and the cookies that it leaves. */
function answers(body: unknown, cookie: string, status = 200): void {
  fetchMock.mockImplementation(async () => {
    page.cookie = cookie;
    return new Response(JSON.stringify(body), { status });
  });
}

const RENEWED = { data: { refreshToken: { tokens: { expiresAt: "2099-01-01T00:00:00Z" }, errors: [] } } };
const REFUSED = { data: null, errors: [{ message: "no", extensions: { code: "UNAUTHENTICATED" } }] };

beforeEach(() => {
  fetchMock.mockReset();
  page.cookie = DUE;
  signedIn();
});

describe("the mark of a session", () => {
  it("is read under either of its names", () => {
    expect(sessionMark("theme=dark; __Host-oms-session=17; x=1")).toBe("17");
    expect(sessionMark("oms-session=key")).toBe("key");
    expect(sessionMark("oms-session=; my-oms-session=3")).toBeNull();
  });

  it("is due half a minute before the end, and never for an API key", () => {
    expect(isDue("1000", 969_000)).toBe(false);
    expect(isDue("1000", 970_000)).toBe(true);
    expect(isDue("key", 970_000)).toBe(false);
    expect(isDue(null, 970_000)).toBe(false);
  });
});

describe("a session that is about to end", () => {
  it("is renewed once for all who wait, by cookies alone", async () => {
    answers(RENEWED, FRESH);

    await Promise.all([freshen(), freshen(), refresh()]);
    await freshen();

    expect(fetchMock).toHaveBeenCalledTimes(1);
    const sent = fetchMock.mock.calls[0]?.[1];
    expect(new Headers(sent?.headers).get("x-oms-session")).toBe("cookie");
    expect(sent?.body).toContain('"refreshToken":""');
  });

  it("is renewed at most twice a minute by a clock that runs ahead", async () => {
    answers(RENEWED, `oms-session=${SECONDS - 3600}`);

    await freshen();
    await freshen();

    expect(fetchMock).toHaveBeenCalledTimes(1);
  });

  it("is left alone when another tab has renewed it meanwhile", async () => {
    vi.stubGlobal("navigator", {
      locks: {
        request: (_name: string, work: () => unknown) => {
          page.cookie = FRESH;
          return work();
        },
      },
    });

    expect(await refresh()).toBe(true);

    expect(fetchMock).not.toHaveBeenCalled();
    vi.stubGlobal("navigator", {});
  });

  it("is over when the server refuses to renew it", async () => {
    answers(REFUSED, "");

    expect(await refresh()).toBe(false);

    expect(sessionMark()).toBeNull();
    expect(endOfSession()).toBe("Your session has ended. Sign in again.");
  });

  it("is kept when the server answers that it cannot tell", async () => {
    const away = { message: "The database does not answer.", extensions: { code: "UNAVAILABLE" } };
    answers({ data: null, errors: [away] }, DUE);

    await expect(refresh()).rejects.toThrow("The database does not answer.");

    expect(sessionMark()).not.toBeNull();
  });

  it("is kept when the server fails", async () => {
    answers({}, DUE, 503);

    await expect(refresh()).rejects.toThrow("503");

    expect(sessionMark()).not.toBeNull();
  });
});

it("ends at the server, which takes the cookies back", async () => {
  page.cookie = FRESH;
  answers({ data: { logout: { errors: [] } } }, "");

  await signOut();

  expect(fetchMock.mock.calls[0]?.[1]?.body).toContain("logout");
  expect(sessionMark()).toBeNull();
  expect(endOfSession()).toBeNull();
});

it("uses an API key as it is", async () => {
  page.cookie = "oms-session=key";

  await freshen();

  expect(fetchMock).not.toHaveBeenCalled();
});

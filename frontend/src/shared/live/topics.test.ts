import { describe, expect, it, vi } from "vitest";

vi.mock("../graphql/client", () => ({ openSocket: () => ({}) }));
const { createTopic } = await import("./topics");

type Take = (word: string) => void;

function source(): { begun: number; ended: number; tell: Take; restart: () => void; topic: ReturnType<typeof createTopic<string>> } {
  const told = { begun: 0, ended: 0, tell: (() => undefined) as Take, restart: () => undefined as void, topic: null as never };
  const topic = createTopic<string>((_, take, options) => {
    told.begun += 1;
    told.tell = take;
    told.restart = () => options.onStart?.();
    return () => void (told.ended += 1);
  });
  return Object.assign(told, { topic });
}

describe("a topic", () => {
  it("is subscribed to once, however many listen, and tells each of them", () => {
    const told = source();
    const [one, other] = [vi.fn<Take>(), vi.fn<Take>()];

    told.topic.follow({ take: one });
    told.topic.follow({ take: other });
    told.tell("tripped");

    expect(told.begun).toBe(1);
    expect([one.mock.calls, other.mock.calls]).toEqual([[["tripped"]], [["tripped"]]]);
  });

  it("ends with the last who listens, and begins anew with the next", () => {
    const told = source();
    const [leaveOne, leaveOther] = [told.topic.follow({ take: vi.fn<Take>() }), told.topic.follow({ take: vi.fn<Take>() })];

    leaveOne();
    expect(told.ended).toBe(0);
    leaveOther();
    expect(told.ended).toBe(1);
    told.topic.follow({ take: vi.fn<Take>() });
    expect(told.begun).toBe(2);
  });

  it("says when it is there again after it was away", () => {
    const told = source();
    const onStart = vi.fn<() => void>();
    told.topic.follow({ take: vi.fn<Take>(), onStart });

    told.restart();

    expect(onStart).toHaveBeenCalledOnce();
  });
});

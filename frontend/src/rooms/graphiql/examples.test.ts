import { expect, test } from "vitest";

import { examplesFor } from "./examples";

test("every example is ready to run on the account", () => {
  const examples = examplesFor("01a1fc2d-e61c-7005-90b8-7993e8414e9f");

  const variables = examples.map((example) => JSON.parse(example.variables ?? "{}") as Record<string, unknown>);
  expect(variables[2]).toMatchObject({ input: { accountId: "01a1fc2d-e61c-7005-90b8-7993e8414e9f" } });
  expect(variables[4]).toEqual({ accountId: "01a1fc2d-e61c-7005-90b8-7993e8414e9f", afterSequence: 0 });
  expect(JSON.stringify(examples)).not.toContain("{accountId}");
});

test("without an account the place for its id is empty", () => {
  expect(examplesFor("")[4]?.variables).toContain('"accountId": ""');
});

import { describe, expect, it } from "vitest";

import { readSettings, settingsInput } from "./firm";
import { conditionInWords, daysInWords, expiryInWords, readWindows, writeWindows } from "./policies";

const WEEK = { opens: "09:00", closes: "17:30", days: [1, 2, 3, 4, 5] };

describe("days", () => {
  it.each([
    [[1, 2, 3, 4, 5], "Mon to Fri"],
    [[5, 1, 3], "Mon, Wed, Fri"],
    [[6, 7], "Sat, Sun"],
    [[1, 2, 3, 7], "Mon to Wed, Sun"],
    [[1, 2, 3, 4, 5, 6, 7], "every day"],
  ])("%j are %s", (days, words) => {
    expect(daysInWords(days)).toBe(words);
  });
});

describe("a policy", () => {
  it("says when it asks for a second person", () => {
    const hours = { timeZone: "Europe/Zurich", windows: [WEEK] };

    expect(conditionInWords({ notional: null, currency: null, hours: null })).toBe("Every order");
    expect(conditionInWords({ notional: "250000", currency: "USD", hours })).toBe(
      "Worth more than USD 250,000, or outside Mon to Fri 09:00–17:30 (Europe/Zurich)",
    );
  });

  it("says how long an order waits", () => {
    expect([90, 900, 7200, 86_400, 259_200].map(expiryInWords)).toEqual(["90 s", "15 min", "2 h", "1 day", "3 days"]);
  });
});

describe("windows", () => {
  it("are read as they are written", () => {
    const windows = [WEEK, { opens: "10:00", closes: "24:00", days: [6, 7] }];

    expect(readWindows(writeWindows(windows))).toEqual({ windows });
  });

  it("without days hold every day", () => {
    expect(readWindows("08:00 - 18:00")).toEqual({ windows: [{ opens: "08:00", closes: "18:00", days: [1, 2, 3, 4, 5, 6, 7] }] });
  });

  it("that cannot be read are told by their line", () => {
    expect(readWindows("1-5 09:00-17:30\nalways")).toEqual({
      problem: "“always” is no window: write days and hours as 1-5 09:00-17:30.",
    });
    expect(readWindows(" \n")).toEqual({ problem: "Write a window, as 1-5 09:00-17:30." });
  });
});

describe("settings of a firm", () => {
  it("have their defaults where nothing is kept", () => {
    expect(readSettings({})).toEqual({ requiresTwoFactor: false, sessionHours: "720", passwordLength: "12", emailDomains: "" });
    expect(readSettings({ require_two_factor: true, session_hours: 8, allowed_email_domains: ["a.example", "b.example"] })).toEqual({
      requiresTwoFactor: true,
      sessionHours: "8",
      passwordLength: "12",
      emailDomains: "a.example, b.example",
    });
  });

  it("go back to their defaults when they are blank", () => {
    expect(settingsInput({ sessionHours: "", passwordLength: "14", emailDomains: " a.example; b.example ," })).toEqual({
      session_hours: null,
      password_length_min: 14,
      allowed_email_domains: ["a.example", "b.example"],
    });
    expect(settingsInput({ sessionHours: "8", passwordLength: "", emailDomains: "" }).allowed_email_domains).toBeNull();
  });
});

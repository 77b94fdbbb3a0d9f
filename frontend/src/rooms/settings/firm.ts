/** The firm's settings as a form has them. */
export interface FirmSettings {
  requiresTwoFactor: boolean;
  sessionHours: string;
  passwordLength: string;
  emailDomains: string;
}

export const SESSION_HOURS = 720;
export const PASSWORD_LENGTH = 12;

/** Reads what the server keeps, with its defaults; what it does not know is left aside. */
export function readSettings(settings: unknown): FirmSettings {
  const kept: Record<string, unknown> = typeof settings === "object" && settings !== null ? { ...settings } : {};
  const domains = kept["allowed_email_domains"];
  return {
    requiresTwoFactor: kept["require_two_factor"] === true,
    sessionHours: numberOr(kept["session_hours"], SESSION_HOURS),
    passwordLength: numberOr(kept["password_length_min"], PASSWORD_LENGTH),
    emailDomains: Array.isArray(domains) ? domains.filter((each) => typeof each === "string").join(", ") : "",
  };
}

function numberOr(value: unknown, fallback: number): string {
  return String(typeof value === "number" ? value : fallback);
}

/** What updateTenant takes: a blank field goes back to its default. */
export function settingsInput(form: Omit<FirmSettings, "requiresTwoFactor">): Record<string, unknown> {
  const domains = form.emailDomains.split(/[\s,;]+/).filter((each) => each !== "");
  return {
    session_hours: form.sessionHours === "" ? null : Number(form.sessionHours),
    password_length_min: form.passwordLength === "" ? null : Number(form.passwordLength),
    allowed_email_domains: domains.length === 0 ? null : domains,
  };
}

/** By which way an order came into the house, in words. */
import { formatEnum } from "../../shared/format/time";
import type { Order } from "./documents";

/** The ticket asks the same API as everybody: both are API. */
export function placedThrough(origin: Order["origin"]): string {
  switch (origin) {
    case "API":
      return "API";
    case "UI":
      return "Dashboard";
    case "EXTERNAL":
      return "The broker, outside the house";
    case "ALLOCATION":
      return "An adviser's block";
    default:
      return formatEnum(origin);
  }
}

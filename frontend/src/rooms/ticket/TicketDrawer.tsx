import type { JSX } from "react";

import { Drawer } from "../../shared/overlay/Drawer";
import { closeTicket, useTicketRequest } from "./open";
import { Ticket } from "./Ticket";

/** The ticket beside whatever room is open. */
export function TicketDrawer(): JSX.Element | null {
  const request = useTicketRequest();
  if (request === null) return null;
  return (
    <Drawer title="New order" onClose={closeTicket} width="narrow">
      <Ticket key={request.opening} given={request.given} />
    </Drawer>
  );
}

/** All that is known of one order, and what can be done to it in place. */
import { useEffect, useState, type JSX, type ReactNode } from "react";

import { client } from "../../shared/graphql/client";
import { describeFailure } from "../../shared/graphql/failure";
import { useReturnedFocus } from "../../shared/keyboard/focus";
import { useShortcuts } from "../../shared/keyboard/shortcuts";
import { Drawer } from "../../shared/overlay/Drawer";
import { Empty, Failed, Loading } from "../../shared/page/states";
import { modeOf } from "../../shared/session/accounts";
import { ModeBadge } from "../../shared/session/Mode";
import { useMay } from "../../shared/session/viewer";
import { cancelOrder, nameOfOrder, releaseMany } from "./acts";
import { isWorking, OrderStatus } from "./columns";
import { ORDER, type FullOrder, type Order } from "./documents";
import { ModifyForm } from "./ModifyForm";
import { OrderDetails } from "./OrderDetails";
import { toast } from "../../shared/overlay/toasts";

interface OrderDrawerProps {
  id: string;
  /** As the table has it, if it has: a newer one asks for the rest anew. */
  row: Order | undefined;
  /** The key that cancels means other orders now: those that are selected. */
  isCancelKeyTaken?: boolean;
  onClose: () => void;
  onOpen: (id: string) => void;
}

type Told = { order: FullOrder } | { failure: string } | "loading" | "missing";

/** The newest state of the order in full; asked anew whenever its row has changed. */
function useFullOrder(id: string, stamp: string): [Told, () => void] {
  const [told, setTold] = useState<Told>("loading");
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isOver = false;
    void client
      .query(ORDER, { id })
      .toPromise()
      .then(({ data, error }) => {
        if (isOver) return;
        if (error) setTold({ failure: describeFailure(error) });
        else setTold(data?.order ? { order: data.order } : "missing");
      });
    return () => {
      isOver = true;
    };
  }, [id, stamp, attempt]);
  return [told, () => setAttempt((before) => before + 1)];
}

export function OrderDrawer({ id, row, isCancelKeyTaken = false, onClose, onOpen }: OrderDrawerProps): JSX.Element {
  const [told, retry] = useFullOrder(id, row ? `${row.updatedAt} ${row.state} ${row.version} ${row.filledQuantity}` : "");
  const order = typeof told === "object" && "order" in told ? told.order : undefined;
  const shown = row ?? order;
  if (shown === undefined) {
    const body: ReactNode =
      told === "loading" ? (
        <Loading />
      ) : told === "missing" ? (
        <Empty title="There is no such order." />
      ) : typeof told === "object" && "failure" in told ? (
        <Failed message={told.failure} onRetry={retry} />
      ) : null;
    return (
      <Drawer title="Order" onClose={onClose}>
        {body}
      </Drawer>
    );
  }
  return (
    <Drawer
      title={nameOfOrder(shown)}
      summary={
        <>
          <OrderStatus order={{ ...shown, rejectReason: null }} />
          <ModeBadge mode={modeOf(shown.account)} />
        </>
      }
      onClose={onClose}
    >
      <Acts order={shown} isCancelKeyTaken={isCancelKeyTaken} />
      {typeof told === "object" && "failure" in told && <Failed message={told.failure} onRetry={retry} />}
      {order ? <OrderDetails order={order} onOpen={onOpen} /> : told === "loading" && <Loading />}
    </Drawer>
  );
}

function Acts({ order, isCancelKeyTaken }: { order: Order; isCancelKeyTaken: boolean }): JSX.Element | null {
  const mayModify = useMay("MODIFY_ORDERS");
  const mayCancel = useMay("CANCEL_ORDERS");
  if (!isWorking(order) || !(mayModify || mayCancel)) return null;
  return <WorkingActs {...{ order, mayModify, mayCancel, isCancelKeyTaken }} />;
}

interface WorkingActsProps {
  order: Order;
  mayModify: boolean;
  mayCancel: boolean;
  isCancelKeyTaken: boolean;
}

function WorkingActs({ order, mayModify, mayCancel, isCancelKeyTaken }: WorkingActsProps): JSX.Element {
  const mayPlace = useMay("PLACE_ORDERS");
  useReturnedFocus();
  const [isModifying, setIsModifying] = useState(false);
  const canModify = mayModify && isWorking(order) && order.state !== "PENDING_CANCEL";
  const canCancel = mayCancel && order.state !== "PENDING_CANCEL" && !isCancelKeyTaken;
  useShortcuts("In an order", [
    ...(canModify ? [{ keys: "m", label: "Modify the order", run: () => setIsModifying(true) }] : []),
    ...(canCancel ? [{ keys: "c", label: "Cancel the order", run: () => void cancelOrder(order) }] : []),
  ]);

  async function release(): Promise<void> {
    const [outcome] = await releaseMany([order]);
    if (outcome?.problem) toast("critical", "Not released", outcome.problem);
    else toast("ok", `Released: ${nameOfOrder(order)}`);
  }

  return (
    <div className="border-b border-line">
      <div className="flex gap-2 px-4 py-2">
        {canModify && (
          <button type="button" className="control" aria-expanded={isModifying} onClick={() => setIsModifying(!isModifying)}>
            Modify
          </button>
        )}
        {mayPlace && order.staged && (
          <button type="button" className="control" onClick={() => void release()}>
            Release
          </button>
        )}
        {mayCancel && (
          <button type="button" className="control danger" disabled={order.state === "PENDING_CANCEL"} onClick={() => void cancelOrder(order)}>
            {order.state === "PENDING_CANCEL" ? "Cancel is on its way" : "Cancel order"}
          </button>
        )}
      </div>
      {isModifying && canModify && <ModifyForm key={order.version} order={order} onDone={() => setIsModifying(false)} />}
    </div>
  );
}

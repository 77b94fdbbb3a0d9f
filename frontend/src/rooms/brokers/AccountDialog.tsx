/** Bringing an account in, and changing the way to it. */
import { useState, type JSX } from "react";

import { act } from "../../shared/act/act";
import { Dialog } from "../../shared/controls/Dialog";
import { ActForm, CheckField, secretOf, SelectField, TextField, textOf, textOrNull } from "../../shared/controls/Form";
import { toast } from "../../shared/overlay/toasts";
import { CREATE_ACCOUNT, UPDATE_ACCOUNT, type Account } from "./documents";

interface AccountDialogProps {
  /** Null for one that comes in. */
  account: Account | null;
  onClose: () => void;
}

export function AccountDialog({ account, onClose }: AccountDialogProps): JSX.Element {
  return account === null ? <NewAccount onClose={onClose} /> : <ChangedAccount account={account} onClose={onClose} />;
}

function NewAccount({ onClose }: { onClose: () => void }): JSX.Element {
  const [broker, setBroker] = useState("INTERACTIVE_BROKERS");
  const isPaperBroker = broker === "PAPER";
  return (
    <Dialog title="Add an account" onClose={onClose} isWide>
      <ActForm
        submit="Bring it in"
        busy="Bringing it in"
        act={(form) =>
          act(CREATE_ACCOUNT, {
            input: {
              broker: isPaperBroker ? "PAPER" : "INTERACTIVE_BROKERS",
              accountNumber: textOf(form, "accountNumber"),
              accountType: textOf(form, "accountType").toUpperCase(),
              baseCurrency: textOf(form, "baseCurrency").toUpperCase(),
              host: isPaperBroker ? "localhost" : textOf(form, "host"),
              port: isPaperBroker ? 1 : Number(textOf(form, "port")),
              clientId: isPaperBroker ? 1 : Number(textOf(form, "clientId")),
              isPaper: isPaperBroker || form.get("isPaper") !== null,
              label: textOrNull(form, "label"),
              ownsManualOrders: form.get("ownsManualOrders") !== null,
              isAdviser: form.get("isAdviser") !== null,
              ...(isPaperBroker ? { startingCash: textOrNull(form, "startingCash") } : credentialsOf(form)),
            },
          })
        }
        onDone={(payload) => {
          toast("ok", `${payload.brokerAccount?.accountNumber ?? "The account"} is in. Connect it next.`);
          onClose();
        }}
        onCancel={onClose}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          <SelectField
            name="broker"
            label="Broker"
            value={broker}
            onChange={setBroker}
            choices={[
              { value: "INTERACTIVE_BROKERS", label: "Interactive Brokers" },
              { value: "PAPER", label: "Paper: fills in the house" },
            ]}
          />
          <TextField name="accountNumber" label="Account number" hint={isPaperBroker ? "Any word" : "Such as U1234567; those of paper begin with D"} />
          <TextField name="label" label="What people call it" isOptional />
          <TextField name="accountType" label="Type" defaultValue="MARGIN" />
          <TextField name="baseCurrency" label="Base currency" defaultValue="USD" maxLength={3} />
          {isPaperBroker && <TextField name="startingCash" label="Begins with, cash" inputMode="decimal" defaultValue="1000000" isOptional />}
        </div>
        {!isPaperBroker && (
          <>
            <Way />
            <CheckField name="isPaper" label="A paper account at the broker" defaultChecked />
            <CheckField name="ownsManualOrders" label="Client id 0: gets the orders that people enter by hand in TWS" />
            <CheckField name="isAdviser" label="An adviser's account, whose orders are divided among accounts under it" />
            <Credentials />
          </>
        )}
      </ActForm>
    </Dialog>
  );
}

function ChangedAccount({ account, onClose }: { account: Account; onClose: () => void }): JSX.Element {
  const isPaperBroker = account.broker === "PAPER";
  return (
    <Dialog title={`Change ${account.accountNumber}`} onClose={onClose} isWide>
      <p className="text-body text-soft">Another host, port or client id: the connection is left at once, its gate shut, and made anew by the new way.</p>
      <ActForm
        submit="Save"
        busy="Saving"
        act={(form) =>
          act(UPDATE_ACCOUNT, {
            input: {
              accountId: account.id,
              label: textOf(form, "label"),
              ...(isPaperBroker ? {} : { ...changedWay(form, account), ...credentialsOf(form) }),
            },
          })
        }
        onDone={() => {
          toast("ok", `${account.accountNumber} is changed.`);
          onClose();
        }}
        onCancel={onClose}
      >
        <TextField name="label" label="What people call it" defaultValue={account.label ?? ""} isOptional isFirst />
        {!isPaperBroker && (
          <>
            <Way account={account} />
            <Credentials />
          </>
        )}
      </ActForm>
    </Dialog>
  );
}

function Way({ account }: { account?: Account }): JSX.Element {
  const way = account?.connection;
  return (
    <div className="grid gap-3 sm:grid-cols-3">
      <TextField name="host" label="Gateway" hint="One that the installation allows" defaultValue={way?.host ?? "127.0.0.1"} />
      <TextField name="port" label="Port" type="number" min="1" max="65535" defaultValue={way ? String(way.port) : "4001"} />
      <TextField name="clientId" label="Client id" type="number" min="0" hint="It and the id 1000 above must be free there" defaultValue={way ? String(way.clientId) : ""} />
    </div>
  );
}

/** Only what differs: the client id is refused while orders work at the broker. */
function changedWay(form: FormData, account: Account): { host?: string; port?: number; clientId?: number } {
  const [host, port, clientId] = [textOf(form, "host"), Number(textOf(form, "port")), Number(textOf(form, "clientId"))];
  const held = account.connection;
  return {
    ...(host === held.host ? {} : { host }),
    ...(port === held.port ? {} : { port }),
    ...(clientId === held.clientId ? {} : { clientId }),
  };
}

function Credentials(): JSX.Element {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <TextField name="username" label="Gateway login, user" hint="Sealed, never shown again; nothing leaves it" isOptional />
      <TextField name="password" label="Gateway login, password" type="password" autoComplete="new-password" isOptional />
    </div>
  );
}

function credentialsOf(form: FormData): { credentials?: Record<string, string> } {
  const given = [["username", textOf(form, "username")], ["password", secretOf(form, "password")]].filter(([, value]) => value !== "");
  return given.length === 0 ? {} : { credentials: Object.fromEntries(given) as Record<string, string> };
}

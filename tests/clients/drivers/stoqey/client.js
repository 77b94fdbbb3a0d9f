// The journey on @stoqey/ib: `node client.js <port>`; prints one JSON line.
"use strict";

const { EventName, IBApi } = require("@stoqey/ib");

const TIMEOUT_MS = 10_000;
const QUOTE = { 0: "bid_size", 1: "bid", 2: "ask", 3: "ask_size", 4: "last", 5: "last_size" };

async function until(condition, what) {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`still waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const stock = (symbol) => ({ symbol, secType: "STK", exchange: "SMART", currency: "USD" });

const order = (quantity, limitPrice, reference) => ({
  action: "BUY",
  totalQuantity: quantity,
  tif: "DAY",
  orderType: limitPrice === undefined ? "MKT" : "LMT",
  ...(limitPrice === undefined ? {} : { lmtPrice: limitPrice }),
  orderRef: reference,
  transmit: true,
});

async function journey(port) {
  const ib = new IBApi({ host: "127.0.0.1", port, clientId: 7, maxReqPerSec: 40 });
  const heard = { errors: [], details: [], quote: {}, statuses: {}, orders: {}, executions: {}, commissions: {} };
  const ended = new Set();
  const completed = [];
  const positions = {};
  ib.on(EventName.server, (version) => (heard.version = version));
  ib.on(EventName.managedAccounts, (list) => (heard.accounts = list.split(",").filter(Boolean)));
  ib.on(EventName.nextValidId, (id) => (heard.nextId = id));
  ib.on(EventName.error, (_error, code, id) => heard.errors.push([id, code]));
  ib.on(EventName.contractDetails, (_id, details) => heard.details.push(details));
  ib.on(EventName.contractDetailsEnd, () => ended.add("details"));
  ib.on(EventName.tickPrice, (_id, field, value) => QUOTE[field] && (heard.quote[QUOTE[field]] = value));
  ib.on(EventName.tickSize, (_id, field, value) => QUOTE[field] && (heard.quote[QUOTE[field]] = value));
  ib.on(EventName.orderStatus, (id, status, filled, remaining, price) => {
    heard.statuses[id] = { status, filled, remaining, average_price: price };
  });
  ib.on(EventName.openOrder, (id, contract, order_, state) => (heard.orders[id] = [contract, order_, state]));
  ib.on(EventName.openOrderEnd, () => ended.add("open"));
  ib.on(EventName.execDetails, (_id, _contract, execution) => (heard.executions[execution.execId] = execution));
  ib.on(EventName.execDetailsEnd, () => ended.add("executions"));
  ib.on(EventName.commissionReport, (report) => (heard.commissions[report.execId] = report));
  ib.on(EventName.completedOrder, (_contract, order_, state) =>
    completed.push({
      reference: order_.orderRef,
      status: state.status,
      order_type: order_.orderType,
      filled: order_.filledQuantity,
    }),
  );
  ib.on(EventName.completedOrdersEnd, () => ended.add("completed"));
  ib.on(EventName.position, (account, contract, quantity, cost) =>
    (positions[`${account} ${contract.conId}`] = { account, con_id: contract.conId, quantity, average_cost: cost }),
  );
  ib.on(EventName.positionEnd, () => ended.add("positions"));

  const openOrders = async () => {
    heard.orders = {};
    ended.delete("open");
    ib.reqAllOpenOrders();
    await until(() => ended.has("open"), "the open orders");
    return Object.values(heard.orders).map(([contract, order_, state]) => ({
      reference: order_.orderRef,
      symbol: contract.symbol,
      side: order_.action,
      order_type: order_.orderType,
      quantity: order_.totalQuantity,
      limit_price: order_.lmtPrice,
      time_in_force: order_.tif,
      status: state.status,
    }));
  };
  const lastError = () => heard.errors.at(-1);

  ib.connect();
  await until(() => heard.nextId && heard.accounts, "the session");
  const told = { server_version: heard.version, accounts: heard.accounts };

  ib.reqContractDetails(501, stock("AAPL"));
  await until(() => ended.has("details"), "the contract details");
  const [details] = heard.details;
  told.contract = {
    con_id: details.contract.conId,
    symbol: details.contract.symbol,
    security_type: details.contract.secType,
    currency: details.contract.currency,
    primary_exchange: details.contract.primaryExch,
    name: details.longName,
    min_tick: details.minTick,
    has_hours: Boolean(details.liquidHours),
  };
  ib.reqContractDetails(502, stock("NOSUCH"));
  await until(() => lastError()?.[0] === 502, "the unknown contract");
  told.unknown_contract_code = lastError()[1];

  ib.reqMktData(503, stock("AAPL"), "", false, false);
  await until(() => Object.keys(heard.quote).length === Object.keys(QUOTE).length, "the quote");
  told.quote = { ...heard.quote };
  ib.cancelMktData(503);

  ib.placeOrder(heard.nextId, stock("AAPL"), { ...order(100, 230), whatIf: true });
  await until(() => heard.orders[heard.nextId], "the what-if");
  const state = heard.orders[heard.nextId][2];
  told.what_if = {
    initial_margin_change: state.initMarginChange,
    maintenance_margin_change: state.maintMarginChange,
    equity_after: state.equityWithLoanAfter,
    commission: state.commission,
    currency: state.commissionCurrency,
  };

  const filledId = heard.nextId + 1;
  const restingId = heard.nextId + 2;
  ib.placeOrder(filledId, stock("AAPL"), order(100, undefined, "filled"));
  await until(() => heard.statuses[filledId]?.status === "Filled" && Object.keys(heard.commissions).length, "the fill");
  told.filled = heard.statuses[filledId];

  ib.placeOrder(restingId, stock("AAPL"), order(10, 200, "resting"));
  await until(() => heard.statuses[restingId]?.status === "Submitted", "the resting order");
  told.resting = await openOrders();
  ib.placeOrder(restingId, stock("AAPL"), order(20, 201, "resting"));
  told.modified = await openOrders();
  ib.cancelOrder(restingId);
  await until(() => heard.statuses[restingId].status === "Cancelled", "the cancel");
  told.canceled = { status: "Cancelled", code: lastError()[1], filled: heard.statuses[restingId].filled };
  ib.cancelOrder(999_999);
  await until(() => lastError()[0] === 999_999, "the refusal");
  told.unknown_order_code = lastError()[1];
  told.open_after_cancel = await openOrders();

  heard.executions = {};
  heard.commissions = {};
  ib.reqExecutions(504, {});
  await until(
    () => ended.has("executions") && Object.keys(heard.executions).every((id) => heard.commissions[id]),
    "the executions",
  );
  told.executions = Object.values(heard.executions).map((execution) => ({
    reference: execution.orderRef,
    is_of_filled: execution.orderId === filledId,
    side: execution.side,
    quantity: execution.shares,
    price: execution.price,
    account: execution.acctNumber,
    commission: heard.commissions[execution.execId].commission,
    currency: heard.commissions[execution.execId].currency,
  }));
  ib.reqCompletedOrders(false);
  await until(() => ended.has("completed"), "the completed orders");
  told.completed = completed.sort((one, other) => one.reference.localeCompare(other.reference));
  ib.reqPositions();
  await until(() => ended.has("positions"), "the positions");
  told.positions = Object.values(positions);
  ib.disconnect();
  return told;
}

journey(Number(process.argv[2])).then(
  (told) => {
    process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);

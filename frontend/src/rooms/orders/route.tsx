export { OrdersPage as Page } from "./OrdersPage";

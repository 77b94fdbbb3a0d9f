export { TradePage as Page } from "./TradePage";

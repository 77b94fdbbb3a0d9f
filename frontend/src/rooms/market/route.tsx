export { MarketPage as Page } from "./MarketPage";

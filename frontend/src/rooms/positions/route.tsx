export { PositionsPage as Page } from "./PositionsPage";

export { ExecutionsPage as Page } from "./ExecutionsPage";

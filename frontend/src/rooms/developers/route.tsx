export { DevelopersPage as Page } from "./DevelopersPage";

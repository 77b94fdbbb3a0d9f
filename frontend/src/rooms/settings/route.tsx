export { SettingsPage as Page } from "./SettingsPage";

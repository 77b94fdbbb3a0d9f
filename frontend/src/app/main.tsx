/** Entry of the dashboard. */
import "./app.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { startTheme } from "../shared/theme/theme";
import { App } from "./App";

startTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

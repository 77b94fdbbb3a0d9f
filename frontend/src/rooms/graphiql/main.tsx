/** Entry of /graphiql: the workers first, then the rest, which loads Monaco. */
import "./workers";
import "./graphiql.css";

import { createRoot } from "react-dom/client";

import { startTheme } from "../../shared/theme/theme";

startTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("graphiql.html has no #root");
const { Explorer } = await import("./Explorer");
createRoot(root).render(<Explorer />);

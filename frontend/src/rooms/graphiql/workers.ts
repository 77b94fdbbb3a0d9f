/** Monaco's workers, bundled: importing this module must come before GraphiQL is loaded. */
import editorUrl from "./editor.worker?worker&url";
import graphqlUrl from "./graphql.worker?worker&url";
import jsonUrl from "./json.worker?worker&url";

globalThis.MonacoEnvironment = {
  getWorker(_moduleId, label) {
    const url = label === "json" ? jsonUrl : label === "graphql" ? graphqlUrl : editorUrl;
    return new Worker(url, { type: "module", name: label });
  },
};

declare module "monaco-editor/esm/vs/editor/editor.worker.js";
declare module "monaco-editor/esm/vs/language/json/json.worker.js";
declare module "monaco-graphql/esm/graphql.worker.js";

interface MonacoWorkers {
  getWorker(moduleId: string, label: string): Worker;
}
// oxlint-disable-next-line no-var -- only var declares a property of globalThis
declare var MonacoEnvironment: MonacoWorkers | undefined;

// Starts the emulator with one subscription to its events: node emulator.mjs DIST PORT EVENTS_URL SECRET
// Its own command line cannot register one; the plug-in it loads is the module that is changed here.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [dist, port, url, secret] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(dist, name)).href);
const own = readdirSync(dist).find(
  (name) => name.startsWith("dist-") && name.endsWith(".js") && readFileSync(join(dist, name), "utf8").includes("slackPlugin"),
);
const { slackPlugin } = await load(own);
const register = slackPlugin.register;
slackPlugin.register = (app, store, webhooks, ...rest) => {
  webhooks.register({ url, events: ["*"], active: true, owner: "slack" });
  register(app, store, webhooks, ...rest);
};
const { createEmulator } = await load("api.js");
const seed = {
  slack: {
    signing_secret: secret,
    users: [{ name: "ann", real_name: "Ann", email: "ann@example.com" }],
    channels: [{ name: "sales", is_private: true }],
  },
};
const running = await createEmulator({ service: "slack", port: Number(port), seed });
console.log(`ready ${running.url}`);

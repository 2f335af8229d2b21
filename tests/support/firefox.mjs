// A Firefox window without a head, driven over WebDriver BiDi: `node firefox.mjs PROGRAM`. Told what to do in JSON lines,
// `{"open": URL}` or `{"evaluate": FUNCTION, "argument": …}`, and answers each with one: `{"value": …}` or `{"error": …}`.
// Ends with its input.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const fromWeb = createRequire(new URL("../../web/package.json", import.meta.url));
const puppeteer = fromWeb("puppeteer-core");

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: process.argv[2],
  headless: true,
  extraPrefsFirefox: {
    "media.navigator.streams.fake": true,
    "media.navigator.permission.disabled": true,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.loopback": true,
    "media.peerconnection.ice.obfuscate_host_addresses": false,
  },
});
const page = await browser.newPage();
page.on("pageerror", (error) => process.stderr.write(`${error}\n`));

const act = async ({ open, evaluate, argument }) => {
  if (open) return void (await page.goto(open));
  return page.evaluate(`(${evaluate})(${JSON.stringify(argument ?? null)})`);
};

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
say({ value: await browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say({ value: (await act(JSON.parse(line))) ?? null });
  } catch (error) {
    say({ error: String(error) });
  }
}
await browser.close();

/** Puts the page together. */

import { render } from "preact";
import { Access } from "./access";
import { hashOf, sessionInHash } from "./address";
import { Application } from "./application";
import { Page } from "./components/Page";
import { Connection } from "./connection";
import { pacedDrawing } from "./drawing";
import { newId } from "./identifiers";
import { Rest } from "./rest";
import { openSocket } from "./socket";
import { applyTheme, storedTheme } from "./theme";

applyTheme(storedTheme(localStorage), document.documentElement, localStorage);

const fetcher: typeof fetch = (input, init) => fetch(input, init);
const access = new Access(fetcher, sessionStorage);
const rest = new Rest(fetcher, access);

const application = new Application({
  rest,
  newId,
  now: () => new Date(),
  scheduleDraw: pacedDrawing({
    nextFrame: (call) => void requestAnimationFrame(call),
    after: (ms, call) => void setTimeout(call, ms),
    nowMs: () => performance.now(),
  }),
});

const connection = new Connection(
  {
    ticket: () => rest.ticket(),
    dropToken: () => access.drop(),
    open: openSocket,
    after(ms, call) {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    chance: Math.random,
  },
  {
    link: (link) => application.linkChanged(link),
    ready: (frame) => application.ready(frame),
    frame: (frame) => application.received(frame),
  },
);
application.attach(connection);

const root = document.getElementById("page");
if (root === null) throw new Error("index.html has no #page");

const actions = {
  send(text: string) {
    const sessionId = application.send(text);
    history.replaceState(null, "", hashOf(sessionId));
  },
  begin() {
    location.hash = hashOf(null);
  },
  reconnect: () => void connection.connect(),
  reopen: () => application.open(application.state.current),
  signIn(token: string) {
    access.signIn(token);
    void connection.connect();
    application.open(application.state.current);
  },
};

const draw = () => render(<Page app={application} state={application.state} actions={actions} />, root);
const openAddress = () => application.open(sessionInHash(location.hash));
application.onChange(draw);
addEventListener("hashchange", openAddress);
addEventListener("online", actions.reconnect);

openAddress();
draw();
void connection.connect();

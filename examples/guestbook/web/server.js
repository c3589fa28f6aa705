// The front of the guestbook: renders the entries that its sibling `api` keeps.
"use strict";

const http = require("node:http");

const port = Number(process.env.PORT || 8080);
// Set by HOPS for every sibling: the Service's name and port, such as http://guestbook-api:9000.
const api = process.env.HOPS_URL_API || "http://127.0.0.1:9000";

const server = http.createServer(async (request, response) => {
  if (request.url === "/health") {
    response.end("ok\n");
    return;
  }
  try {
    const answer = await fetch(`${api}/entries`, { signal: AbortSignal.timeout(2000) });
    const entries = await answer.json();
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end(
      [
        process.env.GREETING,
        ...entries.map((entry) => `- ${entry}`),
        `release ${process.env.HOPS_RELEASE}, commit ${(process.env.HOPS_GIT_SHA || "").slice(0, 10)}`,
        "",
      ].join("\n"),
    );
  } catch (error) {
    console.error(`cannot read the entries from ${api}: ${error.message}`);
    response.statusCode = 502;
    response.end("The guestbook cannot be read at the moment\n");
  }
});

server.listen(port, () => console.log(`web listens on ${port}, reads from ${api}`));

// Finish what was begun, then go.
process.on("SIGTERM", () => server.close(() => process.exit(0)));

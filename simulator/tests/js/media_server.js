// A server for Twilio Media Streams, written after Twilio's list of messages and with the package `ws`, independently of
// the project's own server. It takes status callbacks, and holds a short conversation on the media socket:
// prompt, listen, prompt that may be talked over, listen, keys, goodbye. It writes what it sees to standard output, a
// line of JSON each. Argument: the conversation, `talk` (default) or one of the misbehaviours named below.
"use strict";
const http = require("node:http");
const { WebSocketServer } = require("ws");

const behaviour = process.argv[2] || "talk";
const report = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const form = Object.fromEntries(new URLSearchParams(body));
    report({ seen: "callback", path: request.url, form, host: request.headers.host,
      signature: request.headers["x-twilio-signature"] || null,
      idempotency: request.headers["i-twilio-idempotency-token"] || null });
    response.statusCode = request.headers["x-twilio-signature"] ? 204 : 403;
    response.end();
  });
});

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on("upgrade", (request, socket, head) => {
  report({ seen: "upgrade", path: request.url, host: request.headers.host,
    signature: request.headers["x-twilio-signature"] || null });
  if (behaviour === "refuse" || !request.headers["x-twilio-signature"]) {
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, socket, head, (media) => converse(media));
});

// G.711 mu-law, the textbook way.
function encode(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  let magnitude = Math.min(Math.abs(sample), 32635) + 132;
  let exponent = 7;
  for (let mask = 0x4000; exponent > 0 && !(magnitude & mask); mask >>= 1) exponent -= 1;
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}
function decode(byte) {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return code & 0x80 ? -magnitude : magnitude;
}
function tone(hertz, milliseconds) {
  const bytes = Buffer.alloc(milliseconds * 8);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = encode(Math.round(9000 * Math.sin((2 * Math.PI * hertz * at) / 8000)));
  return bytes;
}
function loud(bytes) {
  let energy = 0;
  for (const byte of bytes) energy += decode(byte) ** 2;
  return bytes.length > 0 && Math.sqrt(energy / bytes.length) > 500;
}

function converse(socket) {
  let stream = null;
  let phase = "opening";
  let voiced = 0;
  let silent = 0;
  let heard = 0;
  let frames = 0;
  const send = (message) => socket.send(JSON.stringify(message));
  const play = (hertz, milliseconds, mark) => {
    const audio = tone(hertz, milliseconds);
    // Pieces of any size are allowed.
    for (let at = 0, size = 333; at < audio.length; at += size, size = 333 + (size % 2000)) {
      const payload = audio.subarray(at, at + size).toString("base64");
      send({ event: "media", streamSid: stream, media: { payload } });
      if (at + size >= audio.length) break;
    }
    send({ event: "mark", streamSid: stream, mark: { name: mark } });
  };
  const misbehave = {
    binary: () => socket.send(Buffer.from([1, 2, 3])),
    nonsense: () => socket.send("this is not JSON"),
    flood: () => play(440, 5000, "flood"),
    silence: () => {},
    drop: () => socket.terminate(),
    hold: () => play(440, 1000, "held"),
  };

  socket.on("message", (data, isBinary) => {
    if (isBinary) return report({ seen: "binary" });
    const message = JSON.parse(data.toString());
    if (message.event !== "media") report({ seen: "message", message });
    if (message.event === "start") {
      stream = message.streamSid;
      if (misbehave[behaviour]) misbehave[behaviour]();
      else play(440, 1000, "opening");
    } else if (message.event === "mark") {
      if (message.mark.name === "opening") phase = "listening";
      if (message.mark.name === "long") phase = "keys";
      if (message.mark.name === "bye") socket.close(1000);
    } else if (message.event === "dtmf") {
      phase = "bye";
      play(600, 500, "bye");
    } else if (message.event === "media") {
      const audio = Buffer.from(message.media.payload, "base64");
      frames += 1;
      heard += audio.length;
      if (loud(audio)) { voiced += audio.length / 8; silent = 0; } else { silent += audio.length / 8; if (phase === "long") voiced = 0; }
      if (phase === "listening" && voiced >= 100 && silent >= 300) {
        phase = "long";
        voiced = 0;
        play(500, 6000, "long");
      } else if (phase === "long" && voiced >= 120) {
        phase = "cleared";
        send({ event: "clear", streamSid: stream });
        report({ seen: "talk-over" });
      } else if (phase === "keys" && silent >= 300) {
        phase = "asked";
        play(550, 700, "asked");
      }
    }
  });
  socket.on("close", (code) => report({ seen: "closed", code, frames, heard_ms: heard / 8 }));
  socket.on("error", (error) => report({ seen: "error", error: error.message }));
}

server.listen(0, "127.0.0.1", () => report({ seen: "listening", port: server.address().port }));

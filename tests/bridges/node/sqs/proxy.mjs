// SPDX-License-Identifier: Apache-2.0
// Stands before an emulator of SQS and does what these do not: it verifies each signature (AWS Signature Version 4), computed here
// from AWS's description alone; and it fails on request. proxy.mjs SETTINGS.json, where the settings are
//   {"port", "emulator_port", "keys": {ACCESS_KEY_ID: {"secret", "token"?}}, "tls_port"?, "cert"?, "key"?}
//
// PUT /QUEUE {"faults": [FAULT...]} sets what goes wrong with a queue; GET /QUEUE says what happened. A fault has an action, a count and
//   {"kind": "status", "status", "code"}                this answer, and the emulator does not see the request
//   {"kind": "lost"}                                    the emulator does it, and the connection is cut
//   {"kind": "silent"}                                  nothing is done or answered
//   {"kind": "entry", "entry", "code", "sender_fault"}  one entry of a batch fails, the others go on
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
const queues = {};

const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, data) => createHmac("sha256", key).update(data).digest();

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// Throws Refused unless the request is signed as AWS wants it.
function verify(request, body) {
  const { headers } = request;
  const parts = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/sqs\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? "");
  if (!parts) throw new Refused("MissingAuthenticationToken", "Request is missing Authentication Token");
  const [, id, day, region, names, signature] = parts;
  const known = settings.keys[id];
  if (!known) throw new Refused("InvalidClientTokenId", "The security token included in the request is invalid.");
  if ((known.token ?? undefined) !== headers["x-amz-security-token"]) throw new Refused("InvalidClientTokenId", "The security token included in the request is invalid.");
  const signed = names.split(";");
  const time = headers["x-amz-date"] ?? "";
  const when = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(Date.now() - when) < 300_000) || !time.startsWith(day)) throw new Refused("SignatureDoesNotMatch", `Signature expired: ${time}`);
  const must = ["host", "content-type", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  const unsigned = must.filter((name) => !signed.includes(name));
  const sorted = [...signed].sort();
  if (unsigned.length || sorted.join() !== signed.join()) throw new Refused("IncompleteSignature", `not signed: ${unsigned}; in order: ${signed}`);
  const missing = signed.filter((name) => headers[name] === undefined);
  if (missing.length) throw new Refused("SignatureDoesNotMatch", `signed but not sent: ${missing}`);
  const canonicalHeaders = signed.map((name) => `${name}:${headers[name].trim().replace(/ +/g, " ")}\n`).join("");
  const canonical = ["POST", request.url, "", canonicalHeaders, names, sha256(body)].join("\n");
  const scope = `${day}/${region}/sqs/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = [day, region, "sqs", "aws4_request"].reduce(hmac, `AWS4${known.secret}`);
  const expected = hmac(key, text);
  if (!timingSafeEqual(expected, Buffer.from(signature, "hex"))) throw new Refused("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.");
}

function answer(response, status, json) {
  const body = JSON.stringify(json);
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

// What was seen of a queue, and its faults.
const of = (queue) => (queues[queue] ??= { verified: 0, refused: [], actions: {}, faults: [] });

function control(request, response, body) {
  const seen = of(request.url.slice(1));
  if (request.method === "PUT") seen.faults = JSON.parse(body).faults;
  answer(response, 200, seen);
}

function nextFault(seen, action) {
  const fault = seen.faults.find((f) => f.action === action && f.count > 0);
  if (fault) fault.count -= 1;
  return fault;
}

function forward(request, body, then) {
  const { connection, expect, ...headers } = request.headers;
  headers["content-length"] = body.length;
  const onward = http.request({ port: settings.emulator_port, host: "127.0.0.1", method: "POST", path: request.url, headers, agent }, (reply) => {
    const chunks = [];
    reply.on("data", (chunk) => chunks.push(chunk));
    reply.on("end", () => then(reply, Buffer.concat(chunks)));
  });
  onward.on("error", (error) => then({ statusCode: 502, headers: {} }, Buffer.from(String(error))));
  onward.end(body);
  return onward;
}

function pass(response, reply, body) {
  response.writeHead(reply.statusCode, { "content-type": reply.headers["content-type"] ?? "application/x-amz-json-1.0", "content-length": body.length });
  response.end(body);
}

function failEntry(request, response, body, fault) {
  const batch = JSON.parse(body);
  const [failed] = batch.Entries.splice(Math.min(fault.entry, batch.Entries.length - 1), 1);
  const failure = { Id: failed.Id, SenderFault: fault.sender_fault, Code: fault.code, Message: "as the test wants it" };
  if (batch.Entries.length === 0) return answer(response, 200, { Successful: [], Failed: [failure] });
  forward(request, Buffer.from(JSON.stringify(batch)), (reply, text) => {
    const json = JSON.parse(text);
    answer(response, reply.statusCode, { ...json, Failed: [...(json.Failed ?? []), failure] });
  });
}

function serve(request, response, body) {
  const action = (request.headers["x-amz-target"] ?? "").replace("AmazonSQS.", "");
  const seen = of(/"Queue(?:Url|Name)":"(?:[^"]*\/)?([^"\/]+)"/.exec(body.toString("latin1", 0, 1000))?.[1]);
  seen.actions[action] = (seen.actions[action] ?? 0) + 1;
  try {
    verify(request, body);
  } catch (error) {
    seen.refused.push(`${error.code}: ${error.message}`);
    return answer(response, 403, { __type: `com.amazonaws.sqs#${error.code}`, message: error.message });
  }
  seen.verified += 1;
  const fault = nextFault(seen, action);
  if (fault?.kind === "status") return answer(response, fault.status, { __type: `com.amazonaws.sqs#${fault.code}`, message: "as the test wants it" });
  if (fault?.kind === "silent") return;
  if (fault?.kind === "entry") return failEntry(request, response, body, fault);
  const onward = forward(request, body, (reply, text) => (fault?.kind === "lost" ? response.socket?.destroy() : pass(response, reply, text)));
  response.on("close", () => response.writableEnded || onward.destroy());
}

function receive(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    if (request.method !== "POST") control(request, response, body);
    else serve(request, response, body);
  });
}

http.createServer({ keepAliveTimeout: 60_000 }, receive).listen(settings.port, "127.0.0.1");
if (settings.tls_port) https.createServer({ cert: readFileSync(settings.cert), key: readFileSync(settings.key) }, receive).listen(settings.tls_port, "127.0.0.1");

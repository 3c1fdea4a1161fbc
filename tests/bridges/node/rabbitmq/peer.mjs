// SPDX-License-Identifier: Apache-2.0
// amqplib, for tests: peer.mjs PORT send QUEUE <JSON lines, or peer.mjs PORT receive QUEUE COUNT. A line is {"body": BASE64, ...} with
// properties of AMQP as amqplib names them; of a message that was received, its fields, too.
import { createInterface } from "node:readline";
import amqp from "amqplib";

const [port, verb, queue, count] = process.argv.slice(2);
const connection = await amqp.connect(`amqp://guest:guest@127.0.0.1:${port}/%2f`);
const channel = await connection.createConfirmChannel();
const returned = [];
channel.on("return", (message) => returned.push(message.fields.replyText));

async function send() {
  for await (const line of createInterface({ input: process.stdin })) {
    const { body, ...properties } = JSON.parse(line);
    channel.publish("", queue, Buffer.from(body, "base64"), { persistent: true, mandatory: true, ...properties });
  }
  await channel.waitForConfirms();
  if (returned.length) throw new Error(`returned: ${returned}`);
}

async function receive() {
  await channel.prefetch(100);
  await new Promise((resolve) => {
    let got = 0;
    channel.consume(queue, (message) => {
      const properties = Object.fromEntries(Object.entries(message.properties).filter(([, value]) => value !== undefined));
      console.log(JSON.stringify({ body: message.content.toString("base64"), ...properties, routingKey: message.fields.routingKey, redelivered: message.fields.redelivered }));
      channel.ack(message);
      if (++got === Number(count)) resolve();
    });
  });
}

await (verb === "send" ? send() : receive());
await channel.close();
await connection.close();

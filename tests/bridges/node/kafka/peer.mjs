// SPDX-License-Identifier: Apache-2.0
// kafkajs, for tests: peer.mjs ADDRESS send TOPIC <JSON lines, or peer.mjs ADDRESS receive TOPIC COUNT. A line is a record as {"key",
// "value", "headers"}, whose bytes are base64; null is null.
import { createInterface } from "node:readline";
import kafkajs from "kafkajs";

const [address, verb, topic, count] = process.argv.slice(2);
const client = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.ERROR });
const bytes = (text) => (text === null || text === undefined ? null : Buffer.from(text, "base64"));
const text = (data) => (data === null || data === undefined ? null : Buffer.from(data).toString("base64"));

async function send() {
  const messages = [];
  for await (const line of createInterface({ input: process.stdin })) {
    const { key, value, headers = {} } = JSON.parse(line);
    messages.push({ key: bytes(key), value: bytes(value), headers: Object.fromEntries(Object.entries(headers).map(([name, its]) => [name, bytes(its)])) });
  }
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages, acks: -1 });
  await producer.disconnect();
}

async function receive() {
  const consumer = client.consumer({ groupId: `kafkajs-${topic}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise((resolve) => {
    let got = 0;
    consumer.run({
      eachMessage: async ({ message: { key, value, headers } }) => {
        console.log(JSON.stringify({ key: text(key), value: text(value), headers: Object.fromEntries(Object.entries(headers).map(([name, its]) => [name, text(its)])) }));
        if (++got === Number(count)) resolve();
      },
    });
  });
  await consumer.disconnect();
}

await (verb === "send" ? send() : receive());

// SPDX-License-Identifier: Apache-2.0
// AWS's own client, for tests: peer.mjs ENDPOINT send QUEUE <JSON lines, or peer.mjs ENDPOINT receive QUEUE COUNT. A line is what
// the SDK takes as an entry of SendMessageBatch without an Id, or gives as a message; binary values are base64 in it.
import { createInterface } from "node:readline";
import { DeleteMessageBatchCommand, GetQueueUrlCommand, ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";

const [endpoint, verb, queue, count] = process.argv.slice(2);
const client = new SQSClient({ endpoint, region: "us-east-1", useQueueUrlAsEndpoint: false });
const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queue }));

function withBytes(entry) {
  for (const attribute of Object.values(entry.MessageAttributes ?? {}))
    if (attribute.BinaryValue) attribute.BinaryValue = Buffer.from(attribute.BinaryValue, "base64");
  return entry;
}

function withBase64(message) {
  for (const attribute of Object.values(message.MessageAttributes ?? {}))
    if (attribute.BinaryValue) attribute.BinaryValue = Buffer.from(attribute.BinaryValue).toString("base64");
  return message;
}

async function send() {
  const entries = [];
  for await (const line of createInterface({ input: process.stdin })) entries.push(withBytes(JSON.parse(line)));
  for (let i = 0; i < entries.length; i += 10) {
    const Entries = entries.slice(i, i + 10).map((entry, j) => ({ Id: String(j), ...entry }));
    const { Failed } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    if (Failed?.length) throw new Error(JSON.stringify(Failed));
  }
}

async function receive() {
  for (let got = 0; got < count; ) {
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: ["All"], MessageSystemAttributeNames: ["All"] }));
    for (const message of Messages) console.log(JSON.stringify(withBase64(message)));
    got += Messages.length;
    if (Messages.length) await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: Messages.map((m, i) => ({ Id: String(i), ReceiptHandle: m.ReceiptHandle })) }));
  }
}

await (verb === "send" ? send() : receive());

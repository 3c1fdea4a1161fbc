// SPDX-License-Identifier: Apache-2.0
// An emulator of SQS: emulator.mjs fauxqs|local-aws-sqs PORT. It forgets all when it ends.
const [kind, port] = process.argv.slice(2);

if (kind === "fauxqs") {
  const { buildApp } = await import("fauxqs");
  const made = buildApp({ logger: false, host: "127.0.0.1" });
  await (made.app ?? made).listen({ port: Number(port), host: "127.0.0.1" });
} else {
  const { createSqsServer } = await import("local-aws-sqs");
  await createSqsServer({ port: Number(port), hostname: "127.0.0.1", emulateQueueCreationLifecycle: false });
}

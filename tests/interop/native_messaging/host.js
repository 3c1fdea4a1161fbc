// SPDX-License-Identifier: Apache-2.0
// A native-messaging host made with chrome-native-messaging: each message that comes on standard input goes out on standard output,
// with "seen" added.
const native = require('chrome-native-messaging');

const answer = (message, push, done) => {
  push({...message, seen: 'node'});
  done();
};
process.stdin.pipe(new native.Input()).pipe(new native.Transform(answer)).pipe(new native.Output()).pipe(process.stdout);

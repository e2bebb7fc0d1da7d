// HPKE (RFC 9180, base mode) with KEM 0x647a, HKDF-SHA256 and AES-256-GCM, by an implementation that is not ours.
// usage: node hpke.cjs FOLDER_OF_NODE_MODULES, one JSON request on stdin, one JSON answer on stdout; bytes are base64.
//   {"do": "wrap", "public", "info", "plaintext"} -> {"wrapped": enc || ciphertext}
//   {"do": "unwrap", "seed", "info", "wrapped"}   -> {"plaintext"}
"use strict";
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { join, resolve } = require("node:path");

const load = createRequire(join(resolve(process.argv[2]), "here.cjs"));
const { Aes256Gcm, CipherSuite, HkdfSha256 } = load("@hpke/core");
const { XWing } = load("@hpke/hybridkem-x-wing");

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const text = (buffer) => Buffer.from(buffer).toString("base64");

async function answer(request) {
  const suite = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  if (suite.kem.id !== 0x647a) throw new Error(`KEM 0x647a expected, got ${suite.kem.id}`);
  const info = bytes(request.info);
  if (request.do === "wrap") {
    const recipientPublicKey = await suite.kem.deserializePublicKey(bytes(request.public));
    const sender = await suite.createSenderContext({ recipientPublicKey, info });
    const ciphertext = new Uint8Array(await sender.seal(bytes(request.plaintext)));
    return { wrapped: text(Buffer.concat([Buffer.from(sender.enc), Buffer.from(ciphertext)])) };
  }
  const recipientKey = await suite.kem.deserializePrivateKey(bytes(request.seed));
  const wrapped = bytes(request.wrapped);
  const enc = wrapped.slice(0, suite.kem.encSize);
  const recipient = await suite.createRecipientContext({ recipientKey, enc, info });
  return { plaintext: text(await recipient.open(wrapped.slice(suite.kem.encSize))) };
}

answer(JSON.parse(readFileSync(0, "utf8"))).then(
  (value) => process.stdout.write(JSON.stringify(value)),
  (error) => {
    process.stderr.write(`${error.name}: ${error.message}\n`);
    process.exitCode = 1;
  },
);

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";

/** Length of a key in bytes. */
export const KEY_BYTES = 32;
/** Length of a nonce in bytes: long enough to choose one at random for every message. */
export const NONCE_BYTES = 24;
/** Length of the authentication tag at the end of a sealed message, in bytes. */
export const TAG_BYTES = 16;

/** XAES-256-GCM under one key. */
export interface Xaes {
  /** Encrypts and authenticates; returns the ciphertext followed by the tag. Never reuse a nonce with the same key. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, additionalData: Uint8Array): Buffer;
  /** The plaintext, or `undefined` if authentication fails. */
  open(nonce: Uint8Array, sealed: Uint8Array, additionalData: Uint8Array): Buffer | undefined;
}

/**
 * XAES-256-GCM: AES-256-GCM behind a key derivation that takes the first half of a 192-bit nonce, so that random nonces are
 * safe for practically any number of messages. AES-GCM's 96-bit nonce is too short for that.
 *
 * Source: C2SP, "The XAES-256-GCM extended-nonce AEAD", https://c2sp.org/XAES-256-GCM.
 */
export function xaes256gcm(key: Uint8Array): Xaes {
  if (key.length !== KEY_BYTES)
    throw new RangeError(`An XAES-256-GCM key has ${KEY_BYTES} bytes, not ${key.length}.`);
  const subkey = cmacSubkey(key);

  /** Counter-mode KDF of NIST SP 800-108r1 with CMAC: two blocks, label "X", and the first half of the nonce as context. */
  function messageKey(nonce: Uint8Array): Buffer {
    const blocks = Buffer.alloc(32);
    for (const [start, counter] of [
      [0, 1],
      [16, 2],
    ] as const) {
      blocks.set([0, counter, 0x58, 0], start);
      blocks.set(nonce.subarray(0, 12), start + 4);
      for (let i = 0; i < 16; i++) blocks[start + i]! ^= subkey[i]!;
    }
    return encryptBlocks(key, blocks);
  }

  return {
    seal(nonce, plaintext, additionalData) {
      checkNonce(nonce);
      const cipher = createCipheriv("aes-256-gcm", messageKey(nonce), nonce.subarray(12), {
        authTagLength: TAG_BYTES,
      });
      cipher.setAAD(additionalData);
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },

    open(nonce, sealed, additionalData) {
      checkNonce(nonce);
      if (sealed.length < TAG_BYTES) return undefined;
      const end = sealed.length - TAG_BYTES;
      const decipher = createDecipheriv("aes-256-gcm", messageKey(nonce), nonce.subarray(12), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(additionalData);
      decipher.setAuthTag(sealed.subarray(end));
      const plaintext = decipher.update(sealed.subarray(0, end));
      try {
        decipher.final();
      } catch {
        return undefined;
      }
      return plaintext;
    },
  };
}

function checkNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES)
    throw new RangeError(`An XAES-256-GCM nonce has ${NONCE_BYTES} bytes, not ${nonce.length}.`);
}

/** CMAC's first subkey: the encryption of zero, doubled in GF(2^128) (NIST SP 800-38B §6.1). */
function cmacSubkey(key: Uint8Array): Buffer {
  const zero = encryptBlocks(key, Buffer.alloc(16));
  const doubled = Buffer.alloc(16);
  for (let i = 0; i < 16; i++) doubled[i] = (zero[i]! << 1) | ((zero[i + 1] ?? 0) >> 7);
  // A mask instead of a branch, since the condition depends on the key.
  doubled[15]! ^= 0x87 & -(zero[0]! >> 7);
  return doubled;
}

/** The block cipher on whole, independent blocks (ECB), only as a building block of CMAC. */
function encryptBlocks(key: Uint8Array, blocks: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-ecb", key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(blocks), cipher.final()]);
}

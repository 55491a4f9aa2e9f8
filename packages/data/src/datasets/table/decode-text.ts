import { isUtf8 } from 'node:buffer'
import { dataError } from './data-error.ts'

/**
 * The text of a file in UTF-8, or in UTF-16 that says so by its byte-order mark, which is not part of the text. Nothing is
 * replaced: invalid text is refused, since a model would read the replacement.
 * @throws TpError TP_DATA naming the line
 */
export function decodeText(path: string, bytes: Uint8Array): string {
  const text = decode(path, bytes)
  const nul = text.indexOf('\0')
  if (nul < 0) return text
  const line = lineOf(text.slice(0, nul))
  throw dataError(
    `${path}, line ${line}`,
    'holds a NUL character; is it UTF-16 without a byte-order mark, or no text at all? Save it as UTF-8',
  )
}

function decode(path: string, bytes: Uint8Array): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-16be'
  if (utf16 === 'utf-16le' || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    try {
      return new TextDecoder(utf16, { fatal: true }).decode(bytes)
    } catch (cause) {
      throw dataError(path, 'begins as UTF-16 but goes on as something else; save it as UTF-8', cause)
    }
  }
  if (isUtf8(bytes)) return new TextDecoder('utf-8').decode(bytes)
  const line = lineOf(new TextDecoder('latin1').decode(bytes.subarray(0, validPrefix(bytes))))
  throw dataError(`${path}, line ${line}`, 'is not UTF-8 text; save the file as UTF-8')
}

/** How many bytes are UTF-8, up to a character that may be cut. */
function validPrefix(bytes: Uint8Array): number {
  let [valid, invalid] = [0, bytes.length]
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1
    if (startsAsUtf8(bytes.subarray(0, middle))) valid = middle
    else invalid = middle
  }
  return valid
}

function startsAsUtf8(bytes: Uint8Array): boolean {
  try {
    // As a stream: a character that is cut off at the end is not invalid.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

function lineOf(before: string): number {
  return before.split('\n').length
}

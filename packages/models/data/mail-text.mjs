/** @type {Readonly<Record<string, string>>} */
const ENTITIES = {
  nbsp: ' ',
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  copy: '©',
  reg: '®',
}

/**
 * The text of a raw mail as the embedded model was trained on it: `subject . body`, without markup, encodings and
 * attachments. Any change here changes what the model sees and, through duplicates, the splits.
 * @param {string} raw
 * @returns {string}
 */
export function mailText(raw) {
  const { subject, body } = parts(raw.replace(/\r\n?/g, '\n'))
  const plain = withoutMarkup(withoutAttachments(decodeQuotedPrintable(body)))
  return (
    `${subject} . ${plain}`
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
      .replace(/[\u0000-\u001f\u007f-\u00a0]+/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
  )
}

/** @param {string} mail */
function parts(mail) {
  const blank = mail.indexOf('\n\n')
  const header = (blank < 0 ? mail : mail.slice(0, blank)).replace(/\n[ \t]+/g, ' ')
  const subject = /^subject:(.*)$/im.exec(header)?.[1]?.trim() ?? ''
  return { subject, body: blank < 0 ? '' : mail.slice(blank + 2) }
}

/** @param {string} body */
function decodeQuotedPrintable(body) {
  return body
    .replaceAll('=\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Drops the frame of multi-part mails and lines that are one long run, as base64 is. @param {string} body */
function withoutAttachments(body) {
  return body
    .split('\n')
    .filter((line) => !/^\S{60,}$/.test(line) && !/^(--|content-|mime-version|this is a multi-part)/i.test(line))
    .join('\n')
}

/** @param {string} body */
function withoutMarkup(body) {
  // The bound keeps a stray "<" from swallowing text up to a ">" far away; without it the model is a little worse,
  // also on mails that it was trained on.
  return body
    .replace(/<!--[\s\S]*?-->/g, ' ')
    .replace(/<style[\s\S]*?<\/style>/gi, ' ')
    .replace(/<script[\s\S]*?<\/script>/gi, ' ')
    .replace(/<[^>]{0,1000}>/g, ' ')
    .replace(/&#(\d+);/g, (_, code) => (Number(code) <= 0x10ffff ? String.fromCodePoint(Number(code)) : ' '))
    .replace(/&([a-z]+);/gi, (_, name) => ENTITIES[name.toLowerCase()] ?? ' ')
}

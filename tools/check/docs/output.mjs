/**
 * Compares what a document says with what a command prints, line by line in order; lines in between (progress) are ignored, and so
 * are times, which differ from run to run, and are missing on a machine that is too busy.
 * @param {string} expected
 * @param {string} printed
 * @returns {string | undefined} the first line that is not printed
 */
export function missingLine(expected, printed) {
  const rest = printed.split('\n').map(withoutTimes)
  return expected.split('\n').find((line) => {
    const at = rest.indexOf(withoutTimes(line))
    if (at >= 0) rest.splice(0, at + 1)
    return at < 0
  })
}

/** @param {string} line */
function withoutTimes(line) {
  return line
    .replace(/, [\d.]+ ms \([\d.]+ … [\d.]+\) at \S+ on one thread$/, '')
    .replaceAll(/\d+(\.\d+)?(?= (s|ms)\b)/g, '#')
    .replaceAll(/ +/g, ' ')
    .trim()
}

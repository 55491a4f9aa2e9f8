/** `0.3 (−0.1 … 0.8)`. @param {{ estimate: number, low: number, high: number }} interval */
export function intervalText({ estimate, low, high }) {
  return `${signed(estimate)} (${signed(low)} … ${signed(high)})`
}

/** One decimal, with a minus sign and no minus zero. @param {number} value */
function signed(value) {
  const text = Math.abs(value).toFixed(1)
  return value < 0 && text !== '0.0' ? `−${text}` : text
}

/**
 * The outcome of one check or one test.
 * @typedef {{ name: string, state: 'passed' | 'failed' | 'skipped', note?: string }} Outcome
 *   `note`: the observed problem of a failure, the reason of a skip.
 */

/** @param {string} name @returns {Outcome} */
export function passed(name) {
  return { name, state: 'passed' }
}

/** @param {string} name @param {string} note @returns {Outcome} */
export function failed(name, note) {
  return { name, state: 'failed', note }
}

/** @param {string} name @param {readonly string[]} problems @returns {Outcome} */
export function judged(name, problems) {
  return problems.length === 0 ? passed(name) : failed(name, problems.join('\n'))
}

/**
 * The end of a run: every skip by name with its reason, every failure by name, then one line of counts, alone.
 * @param {readonly Outcome[]} outcomes
 * @returns {string}
 */
export function closing(outcomes) {
  const count = (/** @type {Outcome['state']} */ state) => outcomes.filter((outcome) => outcome.state === state).length
  const skips = outcomes.filter((outcome) => outcome.state === 'skipped')
  const lines = [
    ...skips.map(({ name, note }) => `skipped: ${name}${note ? ` (${note})` : ''}`),
    ...outcomes.filter(({ state }) => state === 'failed').map(({ name }) => `failed: ${name}`),
  ]
  const counts = [`${count('passed')} passed`, `${count('failed')} failed`]
  if (skips.length > 0) counts.push(`${skips.length} skipped`)
  return [...lines, counts.join(', ')].join('\n')
}

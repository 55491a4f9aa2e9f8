import { judged } from '../outcome.mjs'
import { measureSizes, recordedSizes, steadySizes } from './sizes.mjs'

/**
 * That the documents say how much an install is. A test of its own checks which packages are installed, and that they suffice.
 * @param {string} scratch a folder for temporary files
 * @param {readonly import('../tarballs.mjs').Tarball[]} tarballs
 * @returns {Promise<import('../outcome.mjs').Outcome[]>}
 */
export async function checkInstall(scratch, tarballs) {
  return judgeSizes(recordedSizes(), await measureSizes(scratch, tarballs))
}

/**
 * @param {import('./sizes.mjs').Sizes} recorded
 * @param {import('./sizes.mjs').Sizes} measured
 * @returns {import('../outcome.mjs').Outcome[]}
 */
export function judgeSizes(recorded, measured) {
  const steady = steadySizes(recorded, measured)
  const names = new Set([...Object.keys(measured), ...Object.keys(recorded)])
  return [...names].map((name) => {
    const [then, now] = [recorded[name], steady[name]].map((size) => JSON.stringify(size))
    return judged(
      `installed size of ${name}`,
      then === now
        ? []
        : [`is ${now ?? 'gone'}, written down is ${then ?? 'nothing'}: "npm run generate", if that is meant`],
    )
  })
}

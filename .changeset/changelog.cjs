const { default: common } = require('@changesets/cli/changelog')

/** All packages are released together: one line says it, where the common form names each changeset and each package. */
async function getDependencyReleaseLine(_changesets, [dependency]) {
  return dependency ? `- Goes with ${dependency.newVersion} of the other packages.` : ''
}

module.exports = { ...common, getDependencyReleaseLine }

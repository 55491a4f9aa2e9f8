/**
 * Stops with a plain sentence on a Node that is too old, instead of a syntax error from somewhere inside a dependency.
 * Only syntax and imports that old versions know too; scripts import it first and load the rest dynamically.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `Node ${process.versions.node} is too old: this project needs Node 20.19 or newer. ` +
      'Install one from nodejs.org or with a version manager, then run the command again.\n',
  )
  process.exit(1)
}

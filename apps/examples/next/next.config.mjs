/** Files that any server can serve. */
export default { output: 'export' }

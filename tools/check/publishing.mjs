/**
 * Problems that would keep a package from being published, from being installed afterwards, or from being traced to its source.
 * @param {import('./workspace.mjs').Package} entry
 * @param {string | undefined} repository address of the whole repository
 * @param {ReadonlySet<string>} unpublished names of the packages of the workspace that are private
 * @returns {string[]}
 */
export function problemsOfPublishing({ folder, manifest }, repository, unpublished) {
  const {
    publishConfig,
    repository: source,
    files = [],
    dependencies,
    peerDependencies,
    keywords = [],
    homepage,
    bugs,
  } = manifest
  const address = repository?.replace(/^git\+/, '').replace(/\.git$/, '')
  const needed = Object.entries({ ...dependencies, ...peerDependencies })
  const expected = ['dist', 'src', '!src/**/*.test.ts', '!**/*.tsbuildinfo'] // sources, for the source maps
  /** @type {[boolean, string][]} */
  const rules = [
    [publishConfig?.access === 'public', 'publishConfig.access is not public; scoped packages are private without it'],
    [publishConfig?.provenance === true, 'publishConfig.provenance is not true'],
    // npm refuses provenance for a package that names a repository other than the one it is built in.
    [
      source?.type === 'git' && source.url === repository && source.directory === folder,
      `repository is not ${JSON.stringify({ type: 'git', url: repository, directory: folder })}`,
    ],
    [
      keywords.length >= 5 && keywords.includes('onnx') && keywords.includes('token-pruning'),
      'keywords are fewer than five, or without onnx and token-pruning',
    ],
    [homepage === `${address}/tree/main/${folder}#readme`, `homepage is not ${address}/tree/main/${folder}#readme`],
    [bugs === `${address}/issues`, `bugs is not ${address}/issues`],
    ...expected.map(
      (part) => /** @type {[boolean, string]} */ ([files.includes(part), `files does not include ${part}`]),
    ),
    ...needed.map(
      ([name, range]) =>
        /** @type {[boolean, string]} */ ([
          !range.startsWith('workspace:') || range === 'workspace:^',
          `${name} is ${range}; workspace:^ lets a fix of it be installed alone`,
        ]),
    ),
    ...needed.map(
      ([name]) =>
        /** @type {[boolean, string]} */ ([
          !unpublished.has(name),
          `${name} is required, but private: nobody could install it`,
        ]),
    ),
  ]
  return rules.flatMap(([holds, problem]) => (holds ? [] : [`${folder}/package.json: ${problem}`]))
}

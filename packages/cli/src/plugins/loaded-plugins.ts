/** Modules that this process has begun to load, by what named them. None can be unloaded, so there is one list. */
const plugins = new Map<string, URL>()

/** Remembers a plugin, before anything of it runs. */
export function rememberPlugin(name: string, entry: URL): void {
  plugins.set(name, entry)
}

/** The options that have named plugins on the command line. */
export function loadedPlugins(): string[] {
  return [...plugins.keys()]
}

/** The plugin whose code an error has passed through, by the files in its stack: those next to the entry of a plugin. */
export function pluginIn({ stack = '' }: Error): string | undefined {
  const isIn = (folder: string): boolean =>
    stack
      .split(folder)
      .slice(1)
      .some((rest) => /^[^/]+:\d+:\d+/.test(rest))
  for (const [name, entry] of plugins) if (isIn(new URL('.', entry).href)) return name
  return undefined
}

import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where this user's copies of downloaded files live, by the system's custom. `XDG_CACHE_HOME` counts everywhere. */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const xdg = env['XDG_CACHE_HOME'];
  // The specification has relative paths ignored.
  if (xdg?.startsWith('/')) return join(xdg, 'cnnx');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'cnnx');
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'cnnx', 'Cache');
  return join(home, '.cache', 'cnnx');
}

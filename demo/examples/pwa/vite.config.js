import { petrel } from 'petrel/vite';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

export default defineConfig({
  plugins: [
    petrel(),
    VitePWA({
      manifest: { name: 'Tides', short_name: 'Tides', start_url: '/', display: 'standalone' },
      injectRegister: false, // src/main.js does it, because the tracker needs the registration
      workbox: {
        // Petrel's queue, inside the worker that Workbox generates.
        importScripts: ['/petrel-sw.js'],
        // A part of the worker, and its map, are nothing to precache.
        globIgnores: ['petrel-sw.js'],
      },
    }),
  ],
  server: { proxy: { '/events': 'http://127.0.0.1:8787' } },
});

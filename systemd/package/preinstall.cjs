// Node runs no TypeScript under node_modules, so a global installation could not start. Said before anything is done.
if (process.env.npm_config_global === "true") {
  console.error(`gradeline cannot be installed by npm install -g: Node runs its sources unbuilt, and does not do so there.
  On a board:          sudo apt install ./gradeline_VERSION_ARCH.deb   (npm run package makes it; systemd/README.md)
  From the sources:    npm ci && npx gradeline --help`);
  process.exit(1);
}

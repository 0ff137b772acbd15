// Serves a folder per OData service (metadata.xml and one JSON array a set) with SAP's mock server for Fiori apps.
//
// Arguments: the folder that holds node_modules, the folder with the services, the path before the service names.
// Prints the port once it serves; ends when its standard input closes.

import http from "node:http";
import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import path from "node:path";

// Standard output is for the port alone.
console.log = console.info = console.error;

const [packages, services, prefix] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(packages), "package.json"));
const FEMockserver = require("@sap-ux/fe-mockserver-core").default;

const mockserver = new FEMockserver({
  services: readdirSync(services).map((name) => ({
    urlPath: `${prefix}/${name}`,
    metadataPath: path.join(services, name, "metadata.xml"),
    mockdataPath: path.join(services, name),
    noETag: true,
    // Dates and amounts that are not there are null, as SAP has them, and not the present time.
    forceNullableValuesToNull: true,
  })),
});
await mockserver.isReady;

const server = http.createServer((request, response) => {
  mockserver.getRouter()(request, response, (error) => {
    response.statusCode = error ? 500 : 404;
    response.end(error ? String(error) : "");
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.stdin.resume();
process.stdin.on("close", () => process.exit(0));

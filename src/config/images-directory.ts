import { StatusCode, StatusError } from "../base/status.ts";
import { readConfig } from "./config.ts";
import { imagesSchema } from "./images.ts";
import type { ImagesConfig } from "./schema.ts";

/** The environment variable that overrules the configuration's directory of images. */
export const IMAGES_DIRECTORY_VARIABLE = "EBB_IMAGES_DIR";

const PATTERN = new RegExp(imagesSchema.properties.directory.pattern);

/**
 * The settings of this host's image side, with the directory that the environment names, if it does. A path that
 * cannot be one is `invalidArgument`; the configuration's errors are those of {@link readConfig}.
 */
export async function readImagesConfig(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ImagesConfig> {
  const { images } = await readConfig(env);
  const directory = env[IMAGES_DIRECTORY_VARIABLE] || images.directory;
  if (PATTERN.test(directory)) return { ...images, directory };
  const message = `${IMAGES_DIRECTORY_VARIABLE} must be an absolute path, not ${JSON.stringify(directory)}`;
  throw new StatusError(StatusCode.invalidArgument, message);
}

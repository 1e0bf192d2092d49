import { z } from "zod";

export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
export const NAME_WORDS = "1 to 32 letters, digits, - or _, starting with a letter or digit";
/** Names that become topic levels, file names and metric labels: letters, digits, `-` and `_`. */
export const nameSchema = z.string().regex(NAME_PATTERN, NAME_WORDS);

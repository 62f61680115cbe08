DROP INDEX attempts_outlasting;

<?php
// Written by dingmock run and prepended by auto_prepend_file. PHP's streams know of no proxy but the one that a context
// names: this names it where a URL has one of the platform's names, and passes on all else as it is.

final class DingmockHttps extends ArrayObject // of the reply's header lines: programs look for them in wrapper_data
{
    public $context;
    private $stream;

    /** What takes the proxy from the environment by itself, and wants the streams that PHP has. */
    const CAPABLE = ['GuzzleHttp\Handler\StreamHandler', 'Symfony\Component\HttpClient\NativeHttpClient', 'Composer\Util\StreamContextFactory'];

    private static $begun = false;

    public static function settings()
    {
        return json_decode('SETTINGS', true);
    }

    public static function begin()
    {
        self::$begun = stream_wrapper_unregister('https') && stream_wrapper_register('https', self::class, STREAM_IS_URL);
    }

    public static function end()
    {
        if (self::$begun) {
            self::$begun = !stream_wrapper_restore('https');
        }
    }

    /** The auto_prepend_file of the files that PHP has read, but for this one; empty where there is none. */
    public static function prepended()
    {
        $found = '';
        if (!function_exists('parse_ini_file')) { // by disable_functions
            return $found;
        }
        $files = array_map('trim', explode(',', php_ini_loaded_file() . ',' . php_ini_scanned_files()));
        foreach ($files as $file) {
            if ($file !== '' && dirname($file) !== __DIR__ && $values = @parse_ini_file($file)) {
                $found = isset($values['auto_prepend_file']) ? $values['auto_prepend_file'] : $found;
            }
        }
        return strtolower($found) === 'none' ? '' : $found;
    }

    private static function led($url, $context)
    {
        $settings = self::settings();
        $options = stream_context_get_options($context);
        $host = strtolower(rtrim((string) parse_url($url, PHP_URL_HOST), '.'));
        if (isset($options['http']['proxy']) || !in_array($host, $settings['names'], true)) {
            return $context;
        }
        $options['http']['proxy'] = 'tcp://' . $settings['proxy'];
        $params = stream_context_get_params($context);
        unset($params['options']);
        return stream_context_create($options, $params);
    }

    public function stream_open($url, $mode, $options, &$opened)
    {
        $context = self::led($url, $this->context ?: stream_context_get_default());
        $lines = 'http_response_header'; // which PHP sets where it is called; written out, PHP 8.5 warns of it
        $$lines = null;
        self::end();
        try {
            $this->stream = fopen($url, $mode, (bool) ($options & STREAM_USE_PATH), $context);
        } finally {
            self::begin();
        }
        if (is_array($$lines)) {
            $GLOBALS[$lines] = $$lines; // a caller's own variables are out of reach
            $this->exchangeArray($$lines);
        }
        return is_resource($this->stream);
    }

    public function stream_read($count)
    {
        return fread($this->stream, $count);
    }

    public function stream_eof()
    {
        return feof($this->stream);
    }

    public function stream_stat()
    {
        return fstat($this->stream);
    }

    public function url_stat($url, $flags)
    {
        return false;
    }

    public function stream_cast($as)
    {
        return $this->stream;
    }

    public function stream_close()
    {
        fclose($this->stream);
    }

    public function stream_set_option($option, $first, $second)
    {
        switch ($option) {
            case STREAM_OPTION_BLOCKING:
                return stream_set_blocking($this->stream, (bool) $first);
            case STREAM_OPTION_READ_TIMEOUT:
                return stream_set_timeout($this->stream, $first, (int) $second);
        }
        return false;
    }
}

DingmockHttps::begin();
spl_autoload_register(static function ($class) {
    if (in_array($class, DingmockHttps::CAPABLE, true)) {
        DingmockHttps::end();
    }
}, true, true);
if (DingmockHttps::prepended() !== '') {
    require DingmockHttps::prepended();
}

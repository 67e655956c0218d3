<?php
// A program that knows the platform by its real address alone. Run it against a fake of its own with
//   dingmock run -- php session.php
declare(strict_types=1);

const BASE = 'https://oapi.dingtalk.com';

function ask(string $path, array $query, ?array $body = null): array
{
    $curl = curl_init(BASE . $path . '?' . http_build_query($query));
    curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_FAILONERROR => true]);
    if ($body !== null) {
        curl_setopt_array($curl, [
            CURLOPT_POSTFIELDS => json_encode($body),
            CURLOPT_HTTPHEADER => ['Content-Type: application/json'],
        ]);
    }
    $reply = curl_exec($curl);
    $answer = is_string($reply) ? json_decode($reply, true) : null;
    if (!is_array($answer) || $answer['errcode'] !== 0) {
        fwrite(STDERR, $path . ': ' . (is_string($reply) ? $reply : curl_error($curl)) . "\n");
        exit(1);
    }
    return $answer;
}

$token = ask('/gettoken', ['appkey' => 'mock-php', 'appsecret' => 'any'])['access_token'];
$session = ['session_id' => 's-php', 'app_key' => 'mock-php', 'user_id' => 'u-php'];
ask('/topapi/v2/im/create_session', ['access_token' => $token], $session);
$current = ask('/topapi/v2/user/getsession', ['access_token' => $token], ['userid' => 'u-php'])['result']['session'];
ask('/topapi/v2/im/close_session', ['access_token' => $token], $session);
echo 'closed ', $current['session_id'], "\n";
